"""The Wyoming protocol: Otto as a service of Home Assistant and of voice satellites."""
