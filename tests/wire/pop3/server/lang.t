SET needs-tls=0
S: +OK mail.demo.test POP3 ready
C: LANG
S: +OK Languages
S: en English
S: .
C: LANG *
S: +OK en English it is
C: LANG EN
S: +OK en English it is
C: LANG de
S: -ERR Only en is spoken here
C: USER alice@demo.test
C: PASS secret pass
C: LANG en
S: +OK ...
S: +OK 0 messages (0 octets)
S: +OK en English it is
END
CLOSED
