"""Where a hub is and how it is found: addresses, URLs, mDNS, the runfile."""
