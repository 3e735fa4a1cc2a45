SET user=alice@demo.test password=wrong cleartext=1
MESSAGE from=alice@demo.test to=c@d.example
TEXT x
S: 220 x
C: EHLO me.test
S: 250-x
S: 250 AUTH LOGIN
C: AUTH LOGIN
S: 334 VXNlciBOYW1l
C: YWxpY2VAZGVtby50ZXN0
S: 334 UGFzc3dvcmQ6
C: d3Jvbmc=
S: 535 5.7.8 Authentication credentials invalid
C: QUIT
S: 221 x
CLOSED
RESULT
C: message: outcome=3 code=535 status=5.7.8 text=Authentication credentials invalid
C: c@d.example: outcome=3 code=535 status=5.7.8 text=Authentication credentials invalid
C: session: outcome=3 code=535 status=5.7.8 text=Authentication credentials invalid at=AUTH
