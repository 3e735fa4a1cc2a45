# Guessing recipients ends the session, too; a list with some dead members does not.
SET error_max=2
ANSWER rcpt x@ refuse 5.1.1 No such mailbox
S: 220 ...
C: EHLO a.example
S* 250 HELP
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 Sender ok
C: RCPT TO:<x@b.example>
S: 550 5.1.1 No such mailbox
C: RCPT TO:<x@b.example>
S: 550 5.1.1 No such mailbox
C: RCPT TO:<good@b.example>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<x@b.example>
S: 550 5.1.1 No such mailbox
C: RCPT TO:<x@b.example>
S: 421 4.7.0 Too many unknown recipients
CLOSED
