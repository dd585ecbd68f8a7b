"""What follows the journal: nothing here can stop or repeat a deploy."""
