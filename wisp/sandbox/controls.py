"""Buttons, selects, forms and menus as a person's client has them: found, filled in, refused where it would refuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from wisp.sandbox.invocation import (
    CHANNEL_KINDS,
    Impossible,
    Resolved,
    Value,
    closest,
    offered,
    why_not,
)
from wisp.sandbox.world import JSON, Channel, Message, Role, User, World

BUTTON, TEXT_SELECT, TEXT_INPUT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT = range(2, 9)
"""Types of components that a person can use: https://discord.com/developers/docs/components/reference."""

LINK, PREMIUM = 5, 6
"""Styles of buttons of which the bot hears nothing."""

SELECTS = (TEXT_SELECT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT)
USER_MENU, MESSAGE_MENU = 2, 3
"""Types of commands in menus."""

_TAKEN: Mapping[int, tuple[type | tuple[type, ...], str]] = {
    USER_SELECT: (User, "users"),
    ROLE_SELECT: (Role, "roles"),
    MENTIONABLE_SELECT: ((User, Role), "users or roles"),
    CHANNEL_SELECT: (Channel, "channels"),
}


def controls(components: Iterable[JSON], kinds: Sequence[int]) -> Iterator[JSON]:
    """The components of these types, in the order in which a client shows them, also in rows and containers."""
    for component in components:
        if component.get("type") in kinds:
            yield component
        yield from controls(component.get("components", ()), kinds)
        for name in ("accessory", "component"):
            if inner := component.get(name):
                yield from controls([inner], kinds)


def name_of(control: JSON) -> str:
    """What a control is called: its label, placeholder, emoji or custom id."""
    return str(
        control.get("label") or control.get("placeholder") or _emoji_of(control) or control.get("custom_id") or ""
    )


def button_data(message: Message, wanted: str) -> JSON:
    """The data of a press on the button of this label, emoji or custom id. Raises Impossible where nobody can."""
    _check_usable(message)
    button = _one(list(controls(message.components, (BUTTON,))), wanted, "button")
    if button.get("disabled"):
        raise Impossible(f"the button {wanted!r} is disabled")
    if button["style"] == LINK:
        raise Impossible(f"the button {wanted!r} is a link to {button['url']}: the bot hears nothing of it")
    if button["style"] == PREMIUM:
        raise Impossible(f"the button {wanted!r} opens Discord's shop: the bot hears nothing of it")
    return {"component_type": BUTTON, "custom_id": button["custom_id"], "id": button["id"]}


def select_data(
    world: World, user: User, channel: Channel, message: Message, menu: str | None, values: Sequence[Value]
) -> JSON:
    """The data of a choice in the select of this placeholder or custom id (None: the only one).

    Raises Impossible where nobody can choose that.
    """
    _check_usable(message)
    found = list(controls(message.components, SELECTS))
    if menu is None and len(found) == 1:
        select = found[0]
    elif menu is None:
        raise Impossible(f"which select? Say menu=: {_list(found)}" if found else "the message has no select")
    else:
        select = _one(found, menu, "select")
    name = name_of(select)
    if select.get("disabled"):
        raise Impossible(f"the select {name!r} is disabled")
    least, most = select.get("min_values", 1), select.get("max_values", 1)
    if not least <= len(values) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        raise Impossible(f"the select {name!r} takes {wanted} values, got {len(values)}")
    data: JSON = {"component_type": select["type"], "custom_id": select["custom_id"], "id": select["id"]}
    if select["type"] == TEXT_SELECT:
        return data | {"values": _unique(name, [_option(select, value) for value in values])}
    resolved = Resolved(world, user, channel)
    ids = _unique(name, [_entity(select, value, resolved) for value in values])
    return data | {"values": ids} | resolved.data()


def submit_data(modal: JSON, values: Mapping[str, str]) -> JSON:
    """The data of a form that is sent with these texts, by label or custom id of the inputs.

    What is not named stays as the form came. Raises Impossible where a client would not send it.
    """
    given = dict(values)
    inputs = {id(one): one for one in controls(modal["components"], (TEXT_INPUT,))}
    labels = {id(inner): row.get("label") for row in modal["components"] if (inner := row.get("component"))}
    texts: dict[int, str] = {}
    for key, one in inputs.items():
        name = one.get("label") or labels.get(key) or one["custom_id"]
        named = next((name for name in (one["custom_id"], name) if name in given), None)
        text = one.get("value") or "" if named is None else given.pop(named)
        texts[key] = _typed(one, str(name), text)
    if given:
        names = [str(one.get("label") or labels.get(key) or one["custom_id"]) for key, one in inputs.items()]
        raise Impossible(f"the form has no {next(iter(given))!r}; it has {', '.join(map(repr, names))}")

    def filled(component: JSON, number: int) -> JSON:
        sent: JSON = {"type": component["type"], "id": component.get("id") or number}
        if id(component) in texts:
            return sent | {"custom_id": component["custom_id"], "value": texts[id(component)]}
        if inner := component.get("component"):
            return sent | {"component": filled(inner, number + 1)}
        return sent | {"components": [filled(one, number + 1) for one in component.get("components", ())]}

    rows = [filled(row, 2 * number + 1) for number, row in enumerate(modal["components"])]
    return {"custom_id": modal["custom_id"], "components": rows}


def menu_data(world: World, user: User, channel: Channel, name: str, target: User | Message) -> JSON:
    """The data of a command from the menu of a user or a message. Raises Impossible where it is not on offer."""
    kind = USER_MENU if isinstance(target, User) else MESSAGE_MENU
    there = offered(world, user, channel, kind)
    command = next((command for command in there if command["name"] == name), None)
    if command is None:
        raise Impossible(why_not(world, user, channel, name, there, kind))
    data: JSON = {"id": command["id"], "name": name, "type": kind, "target_id": str(target.id)}
    if "guild_id" in command:
        data["guild_id"] = command["guild_id"]
    if isinstance(target, User):
        resolved = Resolved(world, user, channel)
        if resolved.add(target) is None:
            raise Impossible(f"{target.name} is not known in this sandbox")
        return data | resolved.data()
    if target.deleted:
        raise Impossible("the message is deleted")
    return data | {"resolved": {"messages": {str(target.id): target.payload()}}}


def _check_usable(message: Message) -> None:
    if message.deleted:
        raise Impossible("the message is deleted")
    if message.loading:
        raise Impossible("the bot is still thinking: there is nothing to press")


def _one(found: Sequence[JSON], wanted: str, what: str) -> JSON:
    for key in ("custom_id", "label", "placeholder"):
        named = [control for control in found if control.get(key) == wanted]
        if len(named) > 1:
            ids = ", ".join(str(control.get("custom_id") or control.get("url")) for control in named)
            raise Impossible(f"there are {len(named)} {what}s called {wanted!r}: say the custom id, one of {ids}")
        if named:
            return named[0]
    emojis = [control for control in found if _emoji_of(control) == wanted]
    if len(emojis) == 1:
        return emojis[0]
    if not found:
        raise Impossible(f"the message has no {what}")
    near = closest(wanted, map(name_of, found))
    raise Impossible(
        f"there is no {what} {wanted!r}. Did you mean {near[0]!r}?"
        if near
        else f"there is no {what} {wanted!r}; there is {_list(found)}"
    )


def _emoji_of(control: JSON) -> str | None:
    emoji: JSON = control.get("emoji") or {}
    return emoji.get("name")


def _list(found: Sequence[JSON]) -> str:
    return ", ".join(repr(name_of(control)) for control in found)


def _option(select: JSON, value: Value) -> str:
    options: list[JSON] = select["options"]
    for key in ("value", "label"):
        for option in options:
            if option[key] == value:
                return option["value"]
    raise Impossible(
        f"the select {name_of(select)!r} does not offer {value!r}; it offers "
        f"{', '.join(repr(option['label']) for option in options)}"
    )


def _entity(select: JSON, value: Value, resolved: Resolved) -> str:
    accepted, words = _TAKEN[select["type"]]
    if not isinstance(value, accepted):
        raise Impossible(f"the select {name_of(select)!r} takes {words}, got {value!r}")
    kinds = select.get("channel_types")
    if isinstance(value, Channel) and kinds and value.kind not in kinds:
        names = " or ".join(CHANNEL_KINDS.get(kind, f"type {kind}") for kind in kinds)
        raise Impossible(f"the select {name_of(select)!r} takes {names} channels, and #{value.name} is none")
    number = resolved.add(value)
    if number is None:
        raise Impossible(f"the select {name_of(select)!r} does not show {value!r} here")
    return number


def _unique(name: str, values: list[str]) -> list[str]:
    if len(set(values)) < len(values):
        raise Impossible(f"the select {name!r} takes each value once")
    return values


def _typed(one: JSON, name: str, text: object) -> str:
    if not isinstance(text, str):
        raise Impossible(f"the input {name!r} takes a text, got {text!r}")
    if not text and not one.get("required", True):
        return ""
    least, most = max(one.get("min_length") or 0, 1), one.get("max_length") or 4000
    if not least <= len(text) <= most:
        raise Impossible(f"the input {name!r} takes {least} to {most} characters, got {len(text)}")
    return text
