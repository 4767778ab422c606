"""milepost: which product features mark the accounts that stay, and what to do next."""

__version__ = "0.1.0"
