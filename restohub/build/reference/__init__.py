"""The reference, made from the code's types and a sample hub: `python -m restohub.build.reference`."""
