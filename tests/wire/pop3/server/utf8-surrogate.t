# Without UTF8 the client gets a surrogate (RFC 6856 2.1, RFC 6858 2): what can be said in ASCII is, what cannot is left out.
SET needs-tls=0
SET piece=7
UTF8-MESSAGE Received: from ü.test by mail.demo.test\r\n\tfor <jö@demo.test>\r\nReceived: from a.test\r\n\tby b.test\r\nSubject: grüße\r\nFrom: Jö <j@bücher.test>\r\nTo: jö@demo.test, plain@demo.test\r\nX-Odd: ö\r\nX-Plain: yes\r\nContent-Type: text/plain; charset=utf-8; name="ä.txt"\r\n\r\nkörper\r\n.\r\n
S: +OK mail.demo.test POP3 ready
C: USER alice@demo.test
C: PASS secret pass
C: TOP 1 1
S: +OK ...
S: +OK 1 messages ...
S: +OK ... octets
S: Received: from a.test
S: 	by b.test
S: Subject: =?UTF-8?...?=
S: From: =?UTF-8?...?= <j@xn--bcher-kva.test>
S: To: =?UTF-8?B?asO2QGRlbW8udGVzdA==?=
S:  <invalid@internationalized-address.invalid>,...
S* X-Plain: yes
S: Content-Type: text/plain; charset=utf-8;...
S* 
S: körper
S: .
C: QUIT
S: +OK ...
CLOSED
