# LOGIN has no initial response.
S: +OK ready
C: CAPA
S: +OK
S: SASL LOGIN
S: .
C: AUTH LOGIN
S: + VXNlcm5hbWU6
C: YWxpY2VAZGVtby50ZXN0
S: + UGFzc3dvcmQ6
C: c2VjcmV0IHBhc3M=
S: +OK
C: STAT
S: +OK 0 0
C: LIST
S: +OK
S: .
C: UIDL
S: +OK
S: .
C: QUIT
S: +OK
CLOSED
RESULT
C: by LOGIN, 0 messages, 0 octets
C: end: done 
