"""The doctor (`restohub doctor`): what could keep a hub from serving, looked at in seconds and told to its owner."""
