# A bare LF in a message is no place for the final dot: what follows is still the message. Out come CRLF line ends.
JOB RETR 1
S: +OK ready
C: CAPA
S: +OK
S: USER
S: .
C: USER alice@demo.test
S: +OK
C: PASS secret pass
S: +OK
C: STAT
S: +OK 1 30
C: LIST
S: +OK
S: 1 30
S: .
C: UIDL
S: +OK
S: 1 x
S: .
C: RETR 1
S: +OK
S: a\n.\rb\r
S: ...c
S: .
C: QUIT
S: +OK
CLOSED
RESULT
C: by USER, 1 messages, 30 octets
C: 1 30 x
C: a
C: .
C: b
C: 
C: ..c
C: job 1: done 16 octets 
C: end: done 
