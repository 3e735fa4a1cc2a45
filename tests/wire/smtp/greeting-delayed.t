SET greet_delay=3000
WAIT 2999
WAIT 1
S: 220 mail.demo.test ESMTP penny ready
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
