# RFC 3207 and the injection of 2011: commands behind STARTTLS must not survive it.
WHOLE-ONLY
SET offer_tls=1
S: 220 ...
C: EHLO client.example
S* 250 HELP
C: STARTTLS
C: RSET
S: 554 5.5.0 Input came before the reply to STARTTLS
CLOSED
