SET error_max=40
S: 220 ...
C: 
S: 500 5.5.2 An empty line is no command
C:  EHLO a.example
S: 500 5.5.2 A command does not begin with a space
C: EHLO
S: 501 5.5.4 Say who you are: a domain or an address literal
C: EHLO a b
S: 501 5.5.4 That is neither a domain nor an address literal
C: EHLO <evil>
S: 501 5.5.4 That is neither a domain nor an address literal
C: HELO \xc3\xa9.example
S: 501 5.5.4 That is neither a domain nor an address literal
C: RSET now
S: 501 5.5.4 This command takes no argument
C: QUIT now
S: 501 5.5.4 This command takes no argument
C: FROP
S: 500 5.5.1 No such command
C: LHLO a.example
S: 500 5.5.1 No such command
C: TURN
S: 502 5.5.1 Not implemented
C: MAIL FROM:<a@b.example>
S: 503 5.5.1 Send EHLO or HELO first
C: NOOP some text
S: 250 2.0.0 Ok
C: RSET\rQUIT
S: 500 5.5.2 A control character stands in the command
C: ehlo [192.0.2.1]
S* 250 HELP
C: MAIL
S: 501 5.5.4 Write MAIL FROM:<address>
C: MAIL FROM
S: 501 5.5.4 Write MAIL FROM:<address>
C: MAIL TO:<a@b.example>
S: 501 5.5.4 Write MAIL FROM:<address>
C: MAIL FROM:a@b.example
S: 501 5.1.7 The address must stand between < and >
C: MAIL FROM:<a@b.example
S: 501 5.1.7 ...
C: MAIL FROM:<a@>
S: 501 5.1.7 ...
C: MAIL FROM:<@b.example>
S: 501 5.1.7 ...
C: MAIL FROM:<a b@c.example>
S: 501 5.1.7 ...
C: MAIL FROM:<a..b@c.example>
S: 501 5.1.7 ...
C: MAIL FROM:<a@[300.1.1.1]>
S: 501 5.1.7 ...
C: RCPT TO:<a@b.example>
S: 503 5.5.1 Send MAIL first; no RCPT stands behind BDAT
C: mail from: <"a b"@c.example>   
S: 250 2.1.0 Sender ok
C: MAIL FROM:<a@b.example>
S: 503 5.5.1 A transaction is open; finish it or send RSET
C: RCPT TO:<>
S: 501 5.1.3 ...
C: RCPT FROM:<a@b.example>
S: 501 5.5.4 Write RCPT TO:<address>
C: DATA
S: 554 5.5.1 No valid recipients
C: RCPT TO:<PostMaster>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<"quoted\\" string"@[IPv6:2001:db8::1]>
S: 250 2.1.5 Recipient ok
C: DATA now
S: 501 5.5.4 DATA takes no argument
C: HELP
S* 214 2.0.0 ...
C: HELP mail
S: 214 2.0.0 MAIL FROM:...
C: HELP frop
S: 504 5.5.4 No such command; HELP alone lists all
C: DATA
S: 354 ...
C: not a header
C: .
S: 250 2.0.0 Accepted, id ...
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <"a b"@c.example> to <PostMaster> to <"quoted\\" string"@[IPv6:2001:db8::1]> body=0 utf8=0 ret=0 size=14 received=0 8bit=00
S: Received: from [192.0.2.1] ([192.0.2.1])
S: 	by mail.demo.test with ESMTP
S: 	id ...
S: 	...
S: 
S: not a header
S: == outcome 1
