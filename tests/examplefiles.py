"""Example files that tests of whole Ottos drop into a folder."""

SKILL_FILE = """#### Prompt:
{name}(thing="[thing]") {name}s a thing.

#### Examples:
User: {name} the red ball
Assistant: {name}(thing="red ball")
User: please {name} a house
Assistant: {name}(thing="house")
User: {name} my old car
Assistant: {name}(thing="old car")
User: could you {name} the tree
Assistant: {name}(thing="tree")
User: {name} this
Assistant: {name}(thing="this")

#### Action:
run: {command}
reply: {reply}
risk: {risk}
"""
STOP_FILE = """#### Prompt:
stop() stops.

#### Examples:
User: stop
Assistant: stop()
User: be quiet
Assistant: stop()
User: stop it now
Assistant: stop()
User: silence please
Assistant: stop()

#### Action:
run: ["true"]
reply: Stopped.
"""
