"""The doctor (`restohub doctor`): checks for what could keep a hub from serving."""
