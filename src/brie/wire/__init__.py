"""What leaves this machine and what comes back: addresses, keys, and one kind of HTTP client.

addresses   whether a host is this machine, what an address may hold
client      the client under every SDK: no redirects, no borrowed settings, bounded bodies, no keys
files       what settings files say of keys, and which of them stand before brie's own
keys        which variables hold secrets, and texts without them
lookup      small questions to servers: what they list
started     the variables that programs of others are started with
watch       the last look at what leaves: no key, no folder of this machine
"""
