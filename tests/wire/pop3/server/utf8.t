# RFC 6856: in UTF-8 mode messages come as they are; STLS is over then.
SET needs-tls=0
UTF8-MESSAGE Subject: grüße\r\nFrom: Jö <jö@bücher.test>\r\n\r\nkörper\r\n
S: +OK mail.demo.test POP3 ready
C: UTF8
S: +OK ...
C: STLS
S: -ERR STLS comes before UTF8
C: USER alice@demo.test
C: PASS secret pass
C: RETR 1
S: +OK ...
S: +OK 1 messages ...
S: +OK 59 octets
S: Subject: grüße
S: From: Jö <jö@bücher.test>
S: 
S: körper
S: .
C: UTF8
S: -ERR You are logged in already
C: QUIT
S: +OK ...
CLOSED
