# RFC 5321 3.1: who speaks before the greeting gets 554 and no more.
WHOLE-ONLY
C: EHLO spam.example
S: 554 You spoke before the greeting
CLOSED
