MESSAGE from=a@b.example to=c@d.example
TEXT x
S: HTTP/1.1 400 Bad Request
CLOSED
RESULT
C: message: outcome=2 code=0 status=4.5.0 text=The server's answer is not SMTP
C: c@d.example: outcome=2 code=0 status=4.5.0 text=The server's answer is not SMTP
C: session: outcome=2 ...
