#!/usr/bin/env python3
"""Checks what Boothcast tells Home Assistant with Home Assistant's own schemas and template engine.

usage: check.py [GOLDEN]     needs the PyPI packages homeassistant and paho-mqtt, and the Python that they ask for
"""

import asyncio
import importlib
import json
import pathlib
import sys
import tempfile

from homeassistant import core
from homeassistant.components.mqtt import discovery, schemas
from homeassistant.components.mqtt.models import MqttCommandTemplate, MqttValueTemplate
from homeassistant.const import __version__
from homeassistant.helpers.template import Template

GOLDEN = pathlib.Path(__file__).parent.parent / "golden" / "homeassistant.json"

# Two states of a box, as `status` tells them, and what each entity must show for them.
LIVE = {
    "live": True, "profile": "720p30", "bitrate": 2000400, "bitrate_wanted": 2500000, "temperature_c": 54,
    "health": {"severity": "ok", "sentence": "Live to youtube."}, "started_at": 1763750000, "panic": False, "danmaku": None,
    "update": {"installed": "0.1.0", "latest": "0.2.0"},
}
ILL = LIVE | {
    "live": False, "profile": "custom", "temperature_c": None, "started_at": None, "panic": True, "danmaku": False,
    "health": {"severity": "problem", "sentence": "x" * 400}, "update": {"installed": "0.1.0", "latest": None},
}
SHOWN = {
    "live": ("true", "false"),
    "panic": ("false", "true"),
    "danmaku": ("true", "false"),
    "profile": ("720p30", "None"),
    "bitrate": ("2500", "2500"),
    "bitrate-now": ("2000", "2000"),
    "temperature": ("54", "None"),
    "health": ("Live to youtube.", "x" * 255),
    "uptime": ("2025-11-21T18:33:20+00:00", "None"),
    "problem": ("OFF", "ON"),
}
UPDATES = (
    {"installed_version": "0.1.0", "latest_version": "0.2.0"},
    {"installed_version": "0.1.0", "latest_version": "0.1.0"},
)
# What a person chooses, and the arguments that the box must get for it.
CHOSEN = {
    "live": [("true", {"live": True}), ("false", {"live": False})],
    "panic": [("true", {"on": True}), ("false", {"on": False})],
    "danmaku": [("true", {"enabled": True}), ("false", {"enabled": False})],
    "profile": [("480p30", {"profile": "480p30"})],
    "bitrate": [(2500.0, {"bitrate": 2500000}), (50, {"bitrate": 50000})],
    "identify": [("PRESS", {})],
    "restart": [("PRESS", {})],
    "snapshot": [("PRESS", {})],
}


def value(hass, template, payload):
    """What Home Assistant shows of a message."""
    render = MqttValueTemplate(Template(template, hass)).async_render_with_possible_json_value
    return render(json.dumps(payload))


async def check(path):
    hass = core.HomeAssistant(tempfile.mkdtemp())
    payload = json.loads(path.read_text())
    discovery._replace_all_abbreviations(payload)
    validate = getattr(schemas, "validate_device_discovery_components", lambda c: c)
    validate(schemas.DEVICE_DISCOVERY_SCHEMA(payload))
    for name, component in payload["components"].items():
        platform = component["platform"]
        module = importlib.import_module(f"homeassistant.components.mqtt.{platform}")
        known = {str(k) for k in keys(module)}
        config = {k: v for k, v in component.items() if k != "platform"}
        unknown = config.keys() - known
        assert not unknown, f"{name}: {platform} has no {unknown}"
        for option in schemas.SHARED_OPTIONS:
            if option in payload and option not in config:
                config[option] = payload[option]
        config["device"] = payload["device"]
        module.DISCOVERY_SCHEMA(config)
        if name in SHOWN:
            for status, expected in zip((LIVE, ILL), SHOWN[name]):
                shown = value(hass, component["value_template"], status)
                assert str(shown) == expected, f"{name}: {shown!r} instead of {expected!r}"
        if name == "update":
            for status, expected in zip((LIVE, ILL), UPDATES):
                shown = json.loads(value(hass, component["value_template"], status))
                assert module.MQTT_JSON_UPDATE_SCHEMA(shown) == expected, shown
        for chosen, expected in CHOSEN.get(name, []):
            template = Template(component["command_template"], hass)
            sent = json.loads(MqttCommandTemplate(template).async_render(chosen))
            assert sent["args"] == expected, f"{name}: {sent}"
            assert 1 <= len(sent["id"]) <= 64, sent
        commands = "command_topic" in component
        assert commands == (name in CHOSEN), f"{name}: no choice is checked"
    template = payload["availability"][0]["value_template"]
    for state, expected in (("online", "online"), ("stopped", "offline"), ("offline", "offline")):
        assert value(hass, template, {"state": state, "session": 1}) == expected
    print(f"Home Assistant {__version__} takes all {len(payload['components'])} entities.")
    await hass.async_stop(force=True)


def keys(module):
    """The options that a platform knows."""
    for name in ("_PLATFORM_SCHEMA_BASE", "PLATFORM_SCHEMA_BASE", "PLATFORM_SCHEMA_MODERN"):
        schema = getattr(getattr(module, name, None), "schema", None)
        if isinstance(schema, dict):
            return schema.keys()
    raise AssertionError(f"{module.__name__} has changed: its options are not found")


if __name__ == "__main__":
    asyncio.run(check(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN))
