# RFC 2920 section 4: a group of commands; the end of one message with the start of the next; all recipients refused.
ANSWER rcpt @thumper.bellcore.com refuse 5.7.1 Relaying refused
ANSWER rcpt galvin@ refuse 5.7.1 Relaying refused
S: 220 ...
C: EHLO dbc.mtview.ca.us
S* 250-PIPELINING
S* 250 HELP
C: MAIL FROM:<mrose@dbc.mtview.ca.us>
C: RCPT TO:<ned@innosoft.com>
C: RCPT TO:<dan@innosoft.com>
C: RCPT TO:<kvc@innosoft.com>
C: DATA
S: 250 2.1.0 Sender ok
S: 250 2.1.5 Recipient ok
S: 250 2.1.5 Recipient ok
S: 250 2.1.5 Recipient ok
S: 354 ...
C: Subject: one
C: 
C: text
C: .
C: RSET
C: MAIL FROM:<mrose@dbc.mtview.ca.us>
C: RCPT TO:<nsb@thumper.bellcore.com>
C: RCPT TO:<galvin@tis.com>
C: DATA
S: 250 2.0.0 Accepted, id ...
S: 250 2.0.0 Forgotten
S: 250 2.1.0 Sender ok
S: 550 5.7.1 Relaying refused
S: 550 5.7.1 Relaying refused
S: 554 5.5.1 No valid recipients
C: RSET
C: MAIL FROM:<a@b.example>
C: RCPT TO:<c@d.example>
C: NOOP
S: 250 2.0.0 Forgotten
S: 250 2.1.0 Sender ok
S: 250 2.1.5 Recipient ok
S: 250 2.0.0 Ok
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <mrose@dbc.mtview.ca.us> to <ned@innosoft.com> to <dan@innosoft.com> to <kvc@innosoft.com> body=0 ...
S* == outcome 1
