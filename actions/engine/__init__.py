"""What every action is made of: plans, the journal, the runner, and the adapters to the outside world."""
