# A server with PIPELINING: everything is asked for ahead.
JOB TOP 1 0
JOB RETR 2
JOB DELE 2
S: +OK ready
C: CAPA
S: +OK
S: SASL PLAIN
S: PIPELINING
S: UIDL
S: .
C: AUTH PLAIN AGFsaWNlQGRlbW8udGVzdABzZWNyZXQgcGFzcw==
S: +OK welcome
C: STAT
C: LIST
C: UIDL
S: +OK 2 300
S: +OK listing
S: 1 100
S: 2 200
S: .
S: +OK ids
S: 1 a.1
S: 2 a.2
S: .
C: TOP 1 0
C: RETR 2
C: DELE 2
S: +OK
S: Subject: one
S: 
S: .
S: +OK
S: Subject: two
S: 
S: ..dot
S: ..
S: .
S: +OK
C: QUIT
S: +OK bye
CLOSED
RESULT
C: by PLAIN, 2 messages, 300 octets
C: 1 100 a.1
C: 2 200 a.2
C: Subject: one
C: 
C: job 1: done 16 octets 
C: Subject: two
C: 
C: .dot
C: .
C: job 2: done 25 octets 
C: 2: done 
C: end: done 
