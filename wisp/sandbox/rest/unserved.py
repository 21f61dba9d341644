"""Discord's operations that the sandbox does not serve, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping

_NEEDS_OAUTH2 = "it needs the OAuth2 token of a user, and the sandbox has only the bot's own token"
_SOCIAL_SDK = "it is for games with Discord's Social SDK, not for bots"
_GROUP_DMS = "it is for group direct messages, which no bot can be in"
_OTHER_FORMATS = "it takes the format of another service, and libraries for bots send Discord's own"
_ACTIVITIES = "it is for activities, which run in Discord's own clients"
_NO_SHOP = "the sandbox does not have SKUs, entitlements and subscriptions yet"
_NO_TEMPLATES = "the sandbox does not have guild templates yet"
_NO_INTEGRATIONS = "the sandbox does not have integrations of guilds yet"
_NO_EXCEPTIONS = "the sandbox does not have exceptions of recurring events yet"
_NO_TARGETS = "the sandbox does not have invites for chosen users yet"
_NO_ROLE_CONNECTIONS = "the sandbox does not have metadata of role connections yet"
_NO_SOUNDS = "the sandbox does not have sounds of guilds yet"
_JOIN_REQUESTS = "it is for applications to join a guild, which members cannot write here"

NOT_SERVED: Mapping[str, str] = {
    "GET /applications/{application}/activity-instances/{instance}": _ACTIVITIES,
    "POST /applications/{application}/attachment": _ACTIVITIES,
    "GET /applications/{application}/entitlements": _NO_SHOP,
    "POST /applications/{application}/entitlements": _NO_SHOP,
    "DELETE /applications/{application}/entitlements/{entitlement}": _NO_SHOP,
    "GET /applications/{application}/entitlements/{entitlement}": _NO_SHOP,
    "POST /applications/{application}/entitlements/{entitlement}/consume": _NO_SHOP,
    "GET /applications/{application}/role-connections/metadata": _NO_ROLE_CONNECTIONS,
    "PUT /applications/{application}/role-connections/metadata": _NO_ROLE_CONNECTIONS,
    "DELETE /channels/{channel}/recipients/{user}": _GROUP_DMS,
    "PUT /channels/{channel}/recipients/{user}": _GROUP_DMS,
    "POST /channels/{channel}/send-soundboard-sound": _NO_SOUNDS,
    "GET /guilds/templates/{code}": _NO_TEMPLATES,
    "GET /guilds/{guild}/integrations": _NO_INTEGRATIONS,
    "DELETE /guilds/{guild}/integrations/{integration}": _NO_INTEGRATIONS,
    "GET /guilds/{guild}/new-member-welcome": _JOIN_REQUESTS,
    "GET /guilds/{guild}/requests": _JOIN_REQUESTS,
    "PATCH /guilds/{guild}/requests/{request}": _JOIN_REQUESTS,
    "POST /guilds/{guild}/scheduled-events/{event}/exceptions": _NO_EXCEPTIONS,
    "DELETE /guilds/{guild}/scheduled-events/{event}/exceptions/{exception}": _NO_EXCEPTIONS,
    "PATCH /guilds/{guild}/scheduled-events/{event}/exceptions/{exception}": _NO_EXCEPTIONS,
    "GET /guilds/{guild}/scheduled-events/{event}/{exception}/users": _NO_EXCEPTIONS,
    "GET /guilds/{guild}/soundboard-sounds": _NO_SOUNDS,
    "POST /guilds/{guild}/soundboard-sounds": _NO_SOUNDS,
    "DELETE /guilds/{guild}/soundboard-sounds/{sound}": _NO_SOUNDS,
    "GET /guilds/{guild}/soundboard-sounds/{sound}": _NO_SOUNDS,
    "PATCH /guilds/{guild}/soundboard-sounds/{sound}": _NO_SOUNDS,
    "GET /guilds/{guild}/templates": _NO_TEMPLATES,
    "POST /guilds/{guild}/templates": _NO_TEMPLATES,
    "DELETE /guilds/{guild}/templates/{code}": _NO_TEMPLATES,
    "PATCH /guilds/{guild}/templates/{code}": _NO_TEMPLATES,
    "PUT /guilds/{guild}/templates/{code}": _NO_TEMPLATES,
    "GET /invites/{code}/target-users": _NO_TARGETS,
    "PUT /invites/{code}/target-users": _NO_TARGETS,
    "GET /invites/{code}/target-users/job-status": _NO_TARGETS,
    "POST /lobbies": _SOCIAL_SDK,
    "PUT /lobbies": _SOCIAL_SDK,
    "DELETE /lobbies/{lobby}": _SOCIAL_SDK,
    "GET /lobbies/{lobby}": _SOCIAL_SDK,
    "PATCH /lobbies/{lobby}": _SOCIAL_SDK,
    "PATCH /lobbies/{lobby}/channel-linking": _SOCIAL_SDK,
    "DELETE /lobbies/{lobby}/members/@me": _SOCIAL_SDK,
    "POST /lobbies/{lobby}/members/@me/invites": _SOCIAL_SDK,
    "POST /lobbies/{lobby}/members/bulk": _SOCIAL_SDK,
    "DELETE /lobbies/{lobby}/members/{user}": _SOCIAL_SDK,
    "PUT /lobbies/{lobby}/members/{user}": _SOCIAL_SDK,
    "POST /lobbies/{lobby}/members/{user}/invites": _SOCIAL_SDK,
    "GET /lobbies/{lobby}/messages": _SOCIAL_SDK,
    "POST /lobbies/{lobby}/messages": _SOCIAL_SDK,
    "PUT /lobbies/{lobby}/messages/{message}/moderation-metadata": _SOCIAL_SDK,
    "GET /oauth2/@me": _NEEDS_OAUTH2,
    "GET /oauth2/keys": _NEEDS_OAUTH2,
    "GET /oauth2/userinfo": _NEEDS_OAUTH2,
    "PUT /partner-sdk/dms/{user}/{other}/messages/{message}/moderation-metadata": _SOCIAL_SDK,
    "POST /partner-sdk/provisional-accounts/unmerge": _SOCIAL_SDK,
    "POST /partner-sdk/provisional-accounts/unmerge/bot": _SOCIAL_SDK,
    "POST /partner-sdk/token": _SOCIAL_SDK,
    "POST /partner-sdk/token/bot": _SOCIAL_SDK,
    "GET /skus/{sku}/subscriptions": _NO_SHOP,
    "GET /skus/{sku}/subscriptions/{subscription}": _NO_SHOP,
    "GET /users/@me/applications/{application}/entitlements": _NEEDS_OAUTH2,
    "DELETE /users/@me/applications/{application}/role-connection": _NEEDS_OAUTH2,
    "GET /users/@me/applications/{application}/role-connection": _NEEDS_OAUTH2,
    "PUT /users/@me/applications/{application}/role-connection": _NEEDS_OAUTH2,
    "GET /users/@me/connections": _NEEDS_OAUTH2,
    "GET /users/@me/guilds/{guild}/member": _NEEDS_OAUTH2,
    "POST /webhooks/{webhook}/{token}/github": _OTHER_FORMATS,
    "POST /webhooks/{webhook}/{token}/slack": _OTHER_FORMATS,
}
"""Why an operation is not served, by its method and path."""
