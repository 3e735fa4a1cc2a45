SET kind=submission login=1 login_needs_tls=0 require_login=1
S: 220 ...
C: EHLO client.example.com
S* 250 HELP
C: AUTH PLAIN AGFsaWNlQGRlbW8udGVzdABzZWNyZXQ=
S: 235 2.7.0 Authentication succeeded
C: AUTH PLAIN AGFsaWNlQGRlbW8udGVzdABzZWNyZXQ=
S: 503 5.5.1 You are logged in already
C: MAIL FROM:<alice@demo.test> AUTH=alice+40demo.test
S: 250 2.1.0 Sender ok
C: RCPT TO:<bob@demo.test>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: From: alice@demo.test
C: 
C: hello
C: .
S: 250 2.0.0 Accepted, id ...
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <alice@demo.test> to <bob@demo.test> body=0 utf8=0 ret=0 size=32 received=0 8bit=00 auth=alice@demo.test
S: Received: from client.example.com ([192.0.2.1])
S: 	by mail.demo.test with ESMTPA
S* == outcome 1
