# What the host answers becomes the right code: RFC 5321 4.2.3, RFC 3463.
SET error_max=20
ANSWER mail spoof@ refuse 5.7.1 That is not your address
ANSWER mail later@ retry 4.3.0 The store is away
ANSWER rcpt full@ refuse 5.2.2 The mailbox is full
ANSWER rcpt busy@ retry 4.2.1 The mailbox is being moved
ANSWER rcpt disk@ retry 4.3.1 The disk is full
ANSWER rcpt odd@ refuse 4.0.0 a status of the wrong class
ANSWER rcpt % refuse 5.7.1 Relaying refused
ANSWER rcpt ! refuse 5.7.1 Relaying refused
ANSWER commit * retry 4.3.1 The disk is full
S: 220 ...
C: EHLO a.example
S* 250 HELP
C: MAIL FROM:<spoof@b.example>
S: 550 5.7.1 That is not your address
C: MAIL FROM:<later@b.example>
S: 451 4.3.0 The store is away
C: MAIL FROM:<ok@b.example>
S: 250 2.1.0 Sender ok
C: RCPT TO:<full@b.example>
S: 552 5.2.2 The mailbox is full
C: RCPT TO:<busy@b.example>
S: 450 4.2.1 The mailbox is being moved
C: RCPT TO:<disk@b.example>
S: 452 4.3.1 The disk is full
C: RCPT TO:<odd@b.example>
S: 550 5.0.0 a status of the wrong class
C: RCPT TO:<user%elsewhere.example@b.example>
S: 550 5.7.1 Relaying refused
C: RCPT TO:<elsewhere.example!user@b.example>
S: 550 5.7.1 Relaying refused
C: RCPT TO:<ok@b.example>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: .
S: 452 4.3.1 The disk is full
FORGET
ANSWER commit * refuse 5.7.1 Not this one
C: MAIL FROM:<ok@b.example>
S: 250 2.1.0 Sender ok
C: RCPT TO:<ok@b.example>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: A: b
C: .
S: 550 5.7.1 Not this one
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S* == outcome 2
S* == outcome 3
