# RFC 2920 3.1: nothing may be sent behind DATA before its reply; otherwise somebody else's text could be taken for commands.
WHOLE-ONLY
S: 220 ...
C: EHLO client.example
S* 250 HELP
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 Sender ok
C: RCPT TO:<c@d.example>
S: 250 2.1.5 Recipient ok
C: DATA
C: Subject: too early
S: 554 5.5.0 Input came before the reply to DATA
CLOSED
