"""The live card, part by part: pure, from a change as it stands to blocks. No part knows what a click does."""
