# RFC 3461 section 10 examples: ENVID, RET, NOTIFY, ORCPT.
SET error_max=30
S: 220 ...
C: EHLO Example.ORG
S* 250-DSN
S* 250 HELP
C: MAIL FROM:<Alice@Example.ORG> RET=HDRS ENVID=QQ314159
S: 250 2.1.0 Sender ok
C: RCPT TO:<Bob@Example.COM> NOTIFY=SUCCESS ORCPT=rfc822;Bob@Example.COM
S: 250 2.1.5 Recipient ok
C: RCPT TO:<Carol@Ivory.EDU> NOTIFY=FAILURE ORCPT=rfc822;Carol@Ivory.EDU
S: 250 2.1.5 Recipient ok
C: RCPT TO:<Dana@Ivory.EDU> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Dana@Ivory.EDU
S: 250 2.1.5 Recipient ok
C: RCPT TO:<Eric@Bombs.AF.MIL> NOTIFY=FAILURE,delay ORCPT=rfc822;Eric+2Bx+3Dy@Bombs.AF.MIL
S: 250 2.1.5 Recipient ok
C: RCPT TO:<Fred@Bombs.AF.MIL> NOTIFY=NEVER
S: 250 2.1.5 Recipient ok
C: RCPT TO:<x@y.example> NOTIFY=NEVER,SUCCESS
S: 501 5.5.4 NOTIFY=NEVER stands alone
C: RCPT TO:<x@y.example> NOTIFY=
S: 501 5.5.4 A parameter is written KEYWORD or KEYWORD=value
C: RCPT TO:<x@y.example> NOTIFY
S: 501 5.5.4 This parameter wants a value
C: RCPT TO:<x@y.example> NOTIFY=FAILURE NOTIFY=FAILURE
S: 501 5.5.4 A parameter is given twice
C: RCPT TO:<x@y.example> ORCPT=Bob@Example.COM
S: 501 5.5.4 ORCPT wants a type, a semicolon and an address in xtext: rfc822;bob@example.org
C: RCPT TO:<x@y.example> FOO=bar
S: 555 5.5.4 A parameter is unknown here or was not offered
C: RCPT TO:<x@y.example>NOTIFY=FAILURE
S: 501 5.5.4 A space must stand between the path and its parameters
C: DATA
S: 354 ...
C: .
S: 250 2.0.0 Accepted, id ...
C: MAIL FROM:<> RET=NONE
S: 501 5.5.4 RET is FULL or HDRS
C: MAIL FROM:<> ENVID=+2
S: 501 5.5.4 ENVID is not xtext (RFC 3461 4)
C: MAIL FROM:<> SIZE=abc
S: 501 5.5.4 SIZE wants a number of octets, 1 to 20 digits
C: MAIL FROM:<> BODY=9BIT
S: 501 5.5.4 BODY is 7BIT, 8BITMIME or BINARYMIME
C: MAIL FROM:<> SMTPUTF8=yes
S: 501 5.5.4 This parameter takes no value
C: MAIL FROM:<> REQUIRETLS
S: 555 5.5.4 A parameter is unknown here or was not offered
C: MAIL FROM:<> AUTH=<>
S: 555 5.5.4 A parameter is unknown here or was not offered
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <Alice@Example.ORG> to <Bob@Example.COM> notify=2 orcpt=rfc822;Bob@Example.COM to <Carol@Ivory.EDU> notify=4 orcpt=rfc822;Carol@Ivory.EDU to <Dana@Ivory.EDU> notify=6 orcpt=rfc822;Dana@Ivory.EDU to <Eric@Bombs.AF.MIL> notify=12 orcpt=rfc822;Eric+x=y@Bombs.AF.MIL to <Fred@Bombs.AF.MIL> notify=1 body=0 utf8=0 ret=2 size=0 received=0 8bit=00 envid=QQ314159
S* == outcome 1
