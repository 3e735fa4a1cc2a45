# No CAPA, no UIDL, no pipelining: USER and PASS, one command after the other.
JOB RETR 1
JOB RETR 3
S: +OK POP3 <1896.697170952@dbc.mtview.ca.us>
C: CAPA
S: -ERR what
C: USER alice@demo.test
S: +OK
C: PASS secret pass
S: +OK
C: STAT
S: +OK 2 30 trailing words
C: LIST
S: +OK
S: 1 10
S: 3 20
S: .
C: UIDL
S: -ERR unknown
C: RETR 1
S: +OK
S: x
S: .
C: RETR 3
S: -ERR [SYS/TEMP] disk
C: QUIT
S: -ERR not all deleted
CLOSED
RESULT
C: by USER, 2 messages, 30 octets
C: 1 10 
C: 3 20 
C: x
C: job 1: done 3 octets 
C: job 3: retry 0 octets the server says: disk
C: end: retry the server says: not all deleted
