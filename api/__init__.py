"""The running service: settings, the application, the command line."""
