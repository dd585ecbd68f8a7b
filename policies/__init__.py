"""Pure judgement: who may change what, and on what evidence. No I/O, no Slack, no clock of its own."""
