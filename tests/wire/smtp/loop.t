# RFC 5321 6.3: a hundred Received fields are taken, one more is a loop.
SET message_max=0
S: 220 ...
C: EHLO a.example
S* 250 HELP
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 Sender ok
C: RCPT TO:<c@d.example>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: Received: from a0 by b
C: Received: from a1 by b
C: Received: from a2 by b
C: Received: from a3 by b
C: Received: from a4 by b
C: Received: from a5 by b
C: Received: from a6 by b
C: Received: from a7 by b
C: Received: from a8 by b
C: Received: from a9 by b
C: Received: from a10 by b
C: Received: from a11 by b
C: Received: from a12 by b
C: Received: from a13 by b
C: Received: from a14 by b
C: Received: from a15 by b
C: Received: from a16 by b
C: Received: from a17 by b
C: Received: from a18 by b
C: Received: from a19 by b
C: Received: from a20 by b
C: Received: from a21 by b
C: Received: from a22 by b
C: Received: from a23 by b
C: Received: from a24 by b
C: Received: from a25 by b
C: Received: from a26 by b
C: Received: from a27 by b
C: Received: from a28 by b
C: Received: from a29 by b
C: Received: from a30 by b
C: Received: from a31 by b
C: Received: from a32 by b
C: Received: from a33 by b
C: Received: from a34 by b
C: Received: from a35 by b
C: Received: from a36 by b
C: Received: from a37 by b
C: Received: from a38 by b
C: Received: from a39 by b
C: Received: from a40 by b
C: Received: from a41 by b
C: Received: from a42 by b
C: Received: from a43 by b
C: Received: from a44 by b
C: Received: from a45 by b
C: Received: from a46 by b
C: Received: from a47 by b
C: Received: from a48 by b
C: Received: from a49 by b
C: Received: from a50 by b
C: Received: from a51 by b
C: Received: from a52 by b
C: Received: from a53 by b
C: Received: from a54 by b
C: Received: from a55 by b
C: Received: from a56 by b
C: Received: from a57 by b
C: Received: from a58 by b
C: Received: from a59 by b
C: Received: from a60 by b
C: Received: from a61 by b
C: Received: from a62 by b
C: Received: from a63 by b
C: Received: from a64 by b
C: Received: from a65 by b
C: Received: from a66 by b
C: Received: from a67 by b
C: Received: from a68 by b
C: Received: from a69 by b
C: Received: from a70 by b
C: Received: from a71 by b
C: Received: from a72 by b
C: Received: from a73 by b
C: Received: from a74 by b
C: Received: from a75 by b
C: Received: from a76 by b
C: Received: from a77 by b
C: Received: from a78 by b
C: Received: from a79 by b
C: Received: from a80 by b
C: Received: from a81 by b
C: Received: from a82 by b
C: Received: from a83 by b
C: Received: from a84 by b
C: Received: from a85 by b
C: Received: from a86 by b
C: Received: from a87 by b
C: Received: from a88 by b
C: Received: from a89 by b
C: Received: from a90 by b
C: Received: from a91 by b
C: Received: from a92 by b
C: Received: from a93 by b
C: Received: from a94 by b
C: Received: from a95 by b
C: Received: from a96 by b
C: Received: from a97 by b
C: Received: from a98 by b
C: Received: from a99 by b
C: 
C: .
S: 250 2.0.0 Accepted, id ...
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 Sender ok
C: RCPT TO:<c@d.example>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: Received: from a0 by b
C: Received: from a1 by b
C: Received: from a2 by b
C: Received: from a3 by b
C: Received: from a4 by b
C: Received: from a5 by b
C: Received: from a6 by b
C: Received: from a7 by b
C: Received: from a8 by b
C: Received: from a9 by b
C: Received: from a10 by b
C: Received: from a11 by b
C: Received: from a12 by b
C: Received: from a13 by b
C: Received: from a14 by b
C: Received: from a15 by b
C: Received: from a16 by b
C: Received: from a17 by b
C: Received: from a18 by b
C: Received: from a19 by b
C: Received: from a20 by b
C: Received: from a21 by b
C: Received: from a22 by b
C: Received: from a23 by b
C: Received: from a24 by b
C: Received: from a25 by b
C: Received: from a26 by b
C: Received: from a27 by b
C: Received: from a28 by b
C: Received: from a29 by b
C: Received: from a30 by b
C: Received: from a31 by b
C: Received: from a32 by b
C: Received: from a33 by b
C: Received: from a34 by b
C: Received: from a35 by b
C: Received: from a36 by b
C: Received: from a37 by b
C: Received: from a38 by b
C: Received: from a39 by b
C: Received: from a40 by b
C: Received: from a41 by b
C: Received: from a42 by b
C: Received: from a43 by b
C: Received: from a44 by b
C: Received: from a45 by b
C: Received: from a46 by b
C: Received: from a47 by b
C: Received: from a48 by b
C: Received: from a49 by b
C: Received: from a50 by b
C: Received: from a51 by b
C: Received: from a52 by b
C: Received: from a53 by b
C: Received: from a54 by b
C: Received: from a55 by b
C: Received: from a56 by b
C: Received: from a57 by b
C: Received: from a58 by b
C: Received: from a59 by b
C: Received: from a60 by b
C: Received: from a61 by b
C: Received: from a62 by b
C: Received: from a63 by b
C: Received: from a64 by b
C: Received: from a65 by b
C: Received: from a66 by b
C: Received: from a67 by b
C: Received: from a68 by b
C: Received: from a69 by b
C: Received: from a70 by b
C: Received: from a71 by b
C: Received: from a72 by b
C: Received: from a73 by b
C: Received: from a74 by b
C: Received: from a75 by b
C: Received: from a76 by b
C: Received: from a77 by b
C: Received: from a78 by b
C: Received: from a79 by b
C: Received: from a80 by b
C: Received: from a81 by b
C: Received: from a82 by b
C: Received: from a83 by b
C: Received: from a84 by b
C: Received: from a85 by b
C: Received: from a86 by b
C: Received: from a87 by b
C: Received: from a88 by b
C: Received: from a89 by b
C: Received: from a90 by b
C: Received: from a91 by b
C: Received: from a92 by b
C: Received: from a93 by b
C: Received: from a94 by b
C: Received: from a95 by b
C: Received: from a96 by b
C: Received: from a97 by b
C: Received: from a98 by b
C: Received: from a99 by b
C: Received: one more
C: 
C: text
C: .
S: 554 5.4.6 Too many Received fields: the message runs in circles
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <a@b.example> to <c@d.example> body=0 utf8=0 ret=0 size=... received=100 8bit=00
S* == outcome 1
