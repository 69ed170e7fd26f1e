"""The monitor role: hears heartbeats, measures consumer lag, grows partitions."""
