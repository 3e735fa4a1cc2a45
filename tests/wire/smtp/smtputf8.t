# RFC 6531: UTF-8 in addresses only under SMTPUTF8; its place among the parameters does not matter. A header that is UTF-8 without it is taken and reported to the store.
SET error_max=20
S: 220 ...
C: EHLO a.example
S* 250 HELP
C: MAIL FROM:<jos\xc3\xa9@b.example>
S: 550 5.6.7 This address needs the parameter SMTPUTF8
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 Sender ok
C: RCPT TO:<jos\xc3\xa9@b.example>
S: 553 5.6.7 This address needs SMTPUTF8 at MAIL
C: RCPT TO:<a@b.example>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: Subject: \xc3\xa9
C: 
C: \xe9
C: .
S: 250 2.0.0 Accepted, id ...
C: MAIL FROM:<jos\xc3\xa9@b.example> BODY=8BITMIME SMTPUTF8
S: 250 2.1.0 Sender ok
C: RCPT TO:<\xe7\x94\xa8@\xe4\xbe\x8b.example> ORCPT=utf-8;\xe7\x94\xa8@x
S: 250 2.1.5 Recipient ok
C: RCPT TO:<\xe7\x94@b.example>
S: 501 5.1.3 ...
C: RCPT TO:<u@b.example> ORCPT=utf-8;\\x{7528}\\x{2B}@x
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: .
S: 250 2.0.0 Accepted, id ...
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <a@b.example> to <a@b.example> body=0 utf8=0 ret=0 size=18 received=0 8bit=11
S* == outcome 1
S: == message from <josé@b.example> to <用@例.example> orcpt=utf-8;用@x to <u@b.example> orcpt=utf-8;用+@x body=1 utf8=1 ...
S: Received: from a.example ([192.0.2.1])
S: 	by mail.demo.test with UTF8SMTP
S* == outcome 1
