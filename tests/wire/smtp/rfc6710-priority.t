# RFC 6710: strangers may lower a message, not raise it; who logged in may raise it as far as the server says.
SET kind=submission login=1 login_needs_tls=0 priority_max=4 error_max=30
S: 220 ...
C: EHLO mua.example.com
S* 250-MT-PRIORITY MIXER
S* 250 HELP
C: MAIL FROM:<eljefe@example.com> MT-PRIORITY=3
S: 250 2.3.6 0 is the new priority: a higher one is not for this sender
C: RCPT TO:<topbanana@example.net>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: .
S: 250 2.0.0 Accepted, id ...
C: MAIL FROM:<eljefe@example.com> mt-priority=-9
S: 250 2.1.0 Sender ok
C: RCPT TO:<topbanana@example.net>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: .
S: 250 2.0.0 Accepted, id ...
C: AUTH PLAIN AGFsaWNlQGRlbW8udGVzdABzZWNyZXQ=
S: 235 ...
C: MAIL FROM:<eljefe@example.com> ENVID=QQ314159 MT-PRIORITY=3
S: 250 2.1.0 Sender ok
C: RCPT TO:<topbanana@example.net>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<Dana@Ivory.example.net> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Dana@Ivory.example.net
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: .
S: 250 2.0.0 Accepted, id ...
C: MAIL FROM:<eljefe@example.com> MT-PRIORITY=9
S: 250 2.3.6 4 is the new priority: a higher one is not for this sender
C: RSET
S: 250 2.0.0 Forgotten
C: MAIL FROM:<eljefe@example.com> MT-PRIORITY=10
S: 501 5.5.4 MT-PRIORITY is a number from -9 to 9
C: MAIL FROM:<eljefe@example.com> MT-PRIORITY=-0
S: 501 5.5.4 MT-PRIORITY is a number from -9 to 9
C: MAIL FROM:<eljefe@example.com> MT-PRIORITY
S: 501 5.5.4 This parameter wants a value
C: MAIL FROM:<eljefe@example.com> MT-PRIORITY=1 MT-PRIORITY=2
S: 501 5.5.4 A parameter is given twice
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <eljefe@example.com> to <topbanana@example.net> body=0 utf8=0 ret=0 size=0 received=0 8bit=00
S* == outcome 1
S: == message from <eljefe@example.com> to <topbanana@example.net> body=0 utf8=0 ret=0 size=0 received=0 8bit=00 priority=-9
S: Received: ...
S: 	by ...
S: 	id ...
S: 	for <topbanana@example.net>
S: 	priority -9;
S: 	... +0000
S* == outcome 1
S: == message from <eljefe@example.com> to <topbanana@example.net> to <Dana@Ivory.example.net> notify=6 orcpt=rfc822;Dana@Ivory.example.net body=0 utf8=0 ret=0 size=0 received=0 8bit=00 priority=3 envid=QQ314159
S* 	priority 3;
S* == outcome 1
