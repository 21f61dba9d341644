"""The bot's application over REST: its description, how it is installed, and its privileged intents."""

from __future__ import annotations

from wisp.limits import listed
from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.rest.images import keep_image, read_image
from wisp.sandbox.world.bounds import (
    APPLICATION_DESCRIPTION,
    APPLICATION_FLAGS,
    APPLICATION_TAG,
    APPLICATION_TAGS,
    APPLICATION_URL,
)
from wisp.sandbox.world.objects import JSON, is_object

SCOPES = ("applications.commands", "bot")
CONTEXTS = ("0", "1")
"""Where an application can be installed: in a guild, by a user (resources/application, "Integration Types")."""

SMALL_BOTS_FLAGS = 1 << 13 | 1 << 15 | 1 << 19
"""The flags that a bot can change itself: those of a small bot's privileged intents."""

_LEFT_OUT = ("custom_install_url", "install_params", "cover_image")
"""Fields that the application's object leaves out if they are empty; the others are null."""

_ASKED_FIRST = {"interactions_endpoint_url": "interactions endpoint", "event_webhooks_url": "event webhooks"}
"""URLs that Discord takes only if a request to them is answered."""


def get(call: Call) -> Answer:
    """Return the bot's application."""
    _check(call)
    return 200, call.world.application_payload()


def edit(call: Call) -> Answer:
    """Change the application's description, how it is installed, and the privileged intents that are on."""
    _check(call)
    world, fields = call.world, call.fields
    changes, flags = _read_changes(fields), fields.integer("flags", APPLICATION_FLAGS)
    for name, what in _ASKED_FIRST.items():
        if fields.raw(name) is not None:
            # The sandbox sends no requests.
            words = f"The specified {what} url could not be verified."
            fields.refuse(name, f"APPLICATION_{name.upper()}_INVALID", words)
    fields.check()
    if flags is not None:
        world.application_flags = world.application_flags & ~SMALL_BOTS_FLAGS | flags & SMALL_BOTS_FLAGS
    settings = world.application_settings | changes
    world.application_settings = {
        name: value for name, value in settings.items() if value is not None or name not in _LEFT_OUT
    }
    for name in ("icon", "cover_image"):
        keep_image(world, call.fields, name, f"app-icons/{world.application}")
    return 200, world.application_payload()


def _check(call: Call) -> None:
    """Raise DiscordError if the path names the application by an id that is not the bot's."""
    if "application" in call.path:
        call.check_application()


def _read_changes(fields: Fields) -> JSON:
    """Read the changed fields of the application's object."""
    changes: JSON = {}
    if "description" in fields:
        changes["description"] = _read_description(fields) or ""
    for name in ("custom_install_url", "role_connections_verification_url"):
        if name in fields:
            changes[name] = fields.url(name, APPLICATION_URL)
    for name in ("icon", "cover_image"):
        if name in fields:
            image = read_image(fields, name)
            changes[name] = image.hash if image else None
    if "tags" in fields:
        changes["tags"] = fields.texts("tags", APPLICATION_TAGS.most, APPLICATION_TAG)
    if "install_params" in fields:
        changes["install_params"] = _read_install_params(fields.object("install_params"))
    if "integration_types_config" in fields:
        changes["integration_types_config"] = _read_contexts(fields)
    return changes


def _read_description(fields: Fields) -> str | None:
    """Read the description: a string, or an object that has it as its default."""
    if not is_object(fields.raw("description")):
        return fields.text("description", APPLICATION_DESCRIPTION)
    localized = fields.object("description")
    return localized and localized.text("default", APPLICATION_DESCRIPTION, required=True)


def _read_install_params(fields: Fields | None) -> JSON | None:
    """Read the scopes and permissions with which the application is installed."""
    if fields is None:
        return None
    scopes, permissions = fields.texts("scopes", len(SCOPES), APPLICATION_TAG), fields.permissions("permissions")
    if any(scope not in SCOPES for scope in scopes):
        fields.refuse("scopes", "BASE_TYPE_CHOICES", f"Value must be one of {listed(SCOPES)}.")
    return {"scopes": scopes, "permissions": str(permissions or 0)}


def _read_contexts(fields: Fields) -> JSON:
    """Read where the application can be installed, and how in each place."""
    config = fields.object("integration_types_config")
    if config is None or not config.values or not set(config.values) <= {*CONTEXTS}:
        words = f"Keys must be one of {listed(CONTEXTS)}."
        fields.refuse("integration_types_config", "BASE_TYPE_CHOICES", words)
        return {}
    contexts: JSON = {}
    for key in config.values:
        context = config.object(key)
        params = _read_install_params(context.object("oauth2_install_params")) if context else None
        contexts[key] = {"oauth2_install_params": params} if params else {}
    return contexts


ROUTES = [
    Route("GET", "/applications/@me", get),
    Route("PATCH", "/applications/@me", edit),
    Route("GET", "/applications/{application}", get),
    Route("PATCH", "/applications/{application}", edit),
    Route("GET", "/oauth2/applications/@me", get),
]
