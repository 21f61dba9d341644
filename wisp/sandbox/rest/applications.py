"""The bot's application over REST: what it is called, what it asks for, and which privileged intents it has."""

from __future__ import annotations

from aiohttp import web

from wisp.sandbox.rest.call import Answer, Lookups, Route
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.rest.forms import Form, read_form
from wisp.sandbox.rest.images import read_image
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
"""What the application's object does not have where there is none of it; the rest is null."""

_ASKED_FIRST = {"interactions_endpoint_url": "interactions endpoint", "event_webhooks_url": "event webhooks"}
"""What Discord takes once that address has answered it."""


class Applications(Lookups):
    """The routes of the application itself."""

    def routes(self) -> list[Route]:
        """Their rows of the table."""
        return [
            Route("GET", "/applications/@me", self.get),
            Route("PATCH", "/applications/@me", self.edit),
            Route("GET", "/oauth2/applications/@me", self.get),
        ]

    async def get(self, request: web.Request) -> Answer:
        """The bot's application."""
        return 200, self.world.application_payload()

    async def edit(self, request: web.Request) -> Answer:
        """Change what the application says of itself, how it is installed, and the privileged intents that are on."""
        form = await read_form(request)
        fields = Fields(form)
        changes = self._changes(fields)
        flags = fields.integer("flags", APPLICATION_FLAGS)
        for name, what in _ASKED_FIRST.items():
            if fields.raw(name) is not None:
                # The sandbox asks nobody for anything.
                words = f"The specified {what} url could not be verified."
                fields.refuse(name, f"APPLICATION_{name.upper()}_INVALID", words)
        fields.check()
        if flags is not None:
            kept = self.world.application_flags & ~SMALL_BOTS_FLAGS
            self.world.application_flags = kept | flags & SMALL_BOTS_FLAGS
        settings = self.world.application_settings | changes
        self.world.application_settings = {
            name: value for name, value in settings.items() if value is not None or name not in _LEFT_OUT
        }
        return 200, self.world.application_payload()

    def _changes(self, fields: Fields) -> JSON:
        """What is to be said of the application from now on, as its object says it."""
        changes: JSON = {}
        if "description" in fields:
            changes["description"] = _description(fields) or ""
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
            changes["install_params"] = _install_params(fields, "install_params", fields.raw("install_params"))
        if "integration_types_config" in fields:
            changes["integration_types_config"] = _contexts(fields)
        return changes


def _description(fields: Fields) -> str | None:
    """The description: a text, or an object that has it as its default."""
    described = fields.raw("description")
    if not is_object(described):
        return fields.text("description", APPLICATION_DESCRIPTION)
    inner = Fields(Form(described, {}, ("description",)))
    text = inner.text("default", APPLICATION_DESCRIPTION, required=True)
    inner.check()
    return text


def _install_params(fields: Fields, name: str, given: object) -> JSON | None:
    """With which scopes and permissions the application is installed."""
    if given is None:
        return None
    if not is_object(given):
        fields.refuse(name, "MODEL_TYPE_CONVERT", "Expected an object/dictionary.")
        return None
    inner = Fields(Form(given, {}, (name,)))
    scopes, permissions = inner.texts("scopes", len(SCOPES), APPLICATION_TAG), inner.permissions("permissions")
    if any(scope not in SCOPES for scope in scopes):
        inner.refuse("scopes", "BASE_TYPE_CHOICES", f"Value must be one of {{{', '.join(SCOPES)}}}.")
    inner.check()
    return {"scopes": scopes, "permissions": str(permissions or 0)}


def _contexts(fields: Fields) -> JSON:
    """Where the application can be installed, each place with how."""
    name = "integration_types_config"
    given = fields.raw(name)
    if not is_object(given) or not given or not set(given) <= {*CONTEXTS}:
        fields.refuse(name, "BASE_TYPE_CHOICES", f"Keys must be of {{{', '.join(CONTEXTS)}}}.")
        return {}
    contexts: JSON = {}
    for key, config in given.items():
        params = config.get("oauth2_install_params") if is_object(config) else config
        told = _install_params(fields, name, params)
        contexts[key] = {"oauth2_install_params": told} if told else {}
    return contexts
