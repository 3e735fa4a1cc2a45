# RFC 5321 4.5.3.2.7: five minutes; half a line does not move the end.
S: 220 ...
C: EHLO a.example
S* 250 HELP
WAIT 299999
C~ NOO
WAIT 1
S: 421 4.4.2 Nothing came for too long
CLOSED
