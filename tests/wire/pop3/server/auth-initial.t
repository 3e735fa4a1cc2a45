SET needs-tls=0
S: +OK mail.demo.test POP3 ready
C: auth plain AGFsaWNlQGRlbW8udGVzdABzZWNyZXQgcGFzcw==
C: STAT
S: +OK 0 messages (0 octets)
S: +OK 0 0
STOP
S: -ERR [SYS/TEMP] The server is being stopped, try again later; nothing was deleted
CLOSED
