# RFC 3207 section 5. Nothing of before is remembered; STARTTLS is not offered twice.
SET offer_tls=1 login=1
S: 220 ...
C: STARTTLS
S: 503 5.5.1 Send EHLO or HELO first
C: EHLO mail.example.com
S* 250-STARTTLS
S: 250-LIMITS RCPTMAX=10
S: 250 HELP
C: STARTTLS now
S: 501 5.5.4 This command takes no argument
C: AUTH PLAIN AGFsaWNlQGRlbW8udGVzdABzZWNyZXQ=
S: 538 5.7.11 Encryption required for requested authentication mechanism; send STARTTLS first
C: STARTTLS
S: 220 2.0.0 Go ahead
TLS
C: MAIL FROM:<a@b.example>
S: 503 5.5.1 Send EHLO or HELO first
C: EHLO mail.example.com
S: 250-mail.demo.test greets mail.example.com
S: 250-PIPELINING
S: 250-SIZE 100000
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-ENHANCEDSTATUSCODES
S: 250-CHUNKING
S: 250-BINARYMIME
S: 250-DSN
S: 250-MT-PRIORITY MIXER
S: 250-REQUIRETLS
S: 250-AUTH SCRAM-SHA-256 PLAIN LOGIN
S: 250-LIMITS RCPTMAX=10
S: 250 HELP
C: STARTTLS
S: 503 5.5.1 TLS is active already
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 Sender ok
C: RCPT TO:<c@d.example>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: Subject: secret
C: .
S: 250 2.0.0 Accepted, id ...
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <a@b.example> to <c@d.example> ...
S: Received: from mail.example.com ([192.0.2.1])
S: 	by mail.demo.test with ESMTPS
S: 	(TLSv1.3 TLS_AES_256_GCM_SHA384)
S* == outcome 1
