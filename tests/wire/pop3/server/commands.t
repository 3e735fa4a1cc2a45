# Every command once, pipelined; small letters; argument errors.
SET needs-tls=0
MESSAGE Subject: a\r\n\r\nl1\r\nl2\r\nl3\r\n
MESSAGE Subject: b\r\n\r\n
S: +OK mail.demo.test POP3 ready
C: capa
S: +OK ...
S: TOP
S: UIDL
S: PIPELINING
S: RESP-CODES
S: AUTH-RESP-CODE
S: USER
S: SASL SCRAM-SHA-256 PLAIN LOGIN
S: STLS
S: EXPIRE NEVER
S: UTF8 USER
S: LANG
S: IMPLEMENTATION Penny-Post
S: .
C: user alice@demo.test
C: pass secret pass
C: stat
C: noop
C: list 1
C: list 2
C: uidl
C: uidl 2
C: top 1 0
C: top 1 2
C: top 1 99
C: dele 1
C: list 1
C: stat
C: uidl
C: rset
C: stat
S: +OK ...
S: +OK 2 messages (40 octets)
S: +OK 2 40
S: +OK Still here
S: +OK 1 26
S: +OK 2 14
S: +OK 2 messages (40 octets)
S: 1 1700000001.7
S: 2 1700000001.9
S: .
S: +OK 2 1700000001.9
S: +OK 26 octets
S: Subject: a
S: 
S: .
S: +OK 26 octets
S: Subject: a
S: 
S: l1
S: l2
S: .
S: +OK 26 octets
S: Subject: a
S: 
S: l1
S: l2
S: l3
S: .
S: +OK Marked; QUIT deletes it, RSET takes the mark away
S: -ERR That message is marked as deleted
S: +OK 1 14
S: +OK 1 messages (14 octets)
S: 2 1700000001.9
S: .
S: +OK No message is marked as deleted
S: +OK 2 40
C: CAPA
S* IMPLEMENTATION Penny-Post
S: .
C: LIST 3
S: -ERR No such message
C: RETR 0
S: -ERR Messages are named by numbers from 1
C: TOP 1
S: -ERR Write TOP message lines
C: STAT 1
S: -ERR Write STAT
C: DELE
S: -ERR Too many errors
CLOSED
