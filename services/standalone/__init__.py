"""`pixo up`: all roles on one machine, with a broker and Valkey of their own."""
