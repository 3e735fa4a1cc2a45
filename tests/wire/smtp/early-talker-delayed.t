# The same within the time that the greeting is held back.
SET greet_delay=3000
WHOLE-ONLY
WAIT 2900
C: EHLO spam.example
S: 554 You spoke before the greeting
CLOSED
