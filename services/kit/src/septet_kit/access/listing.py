"""ACLs and users of a cluster, listed with aiokafka.

librdkafka 2.16.0 cannot list them safely: it returns an empty list of ACLs when the broker refuses the request, and
corrupts its memory when the broker answers the request for users with an error.
"""

from __future__ import annotations

from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import NodeNotReadyError, for_code
from aiokafka.protocol.admin import DescribeAclsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactString, Int8, Int16, Int32, Schema, TaggedFields

from septet_kit.access.bindings import Binding
from septet_kit.messaging.connection import KafkaConnection

_ANY = 1
_ALLOW = 3
_RESOURCES = {2: "topic", 3: "group"}
_PATTERNS = {3: "literal", 4: "prefixed"}
_OPERATIONS = {3: "read", 4: "write", 5: "create", 6: "delete", 8: "describe"}


class _DescribeUsersResponse(Response):  # type: ignore[misc]
    API_KEY = 50
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("error_message", CompactString("utf-8")),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                (
                    "credentials",
                    CompactArray(("mechanism", Int8), ("iterations", Int32), ("tags", TaggedFields)),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _DescribeUsersStruct(RequestStruct):  # type: ignore[misc]
    API_KEY = 50
    API_VERSION = 0
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _DescribeUsersResponse
    SCHEMA = Schema(
        ("users", CompactArray(("name", CompactString("utf-8")), ("tags", TaggedFields))),
        ("tags", TaggedFields),
    )


class _DescribeUsers(Request[_DescribeUsersStruct]):  # type: ignore[misc]
    API_KEY = 50

    def build(self, request_struct_class: type[_DescribeUsersStruct]) -> _DescribeUsersStruct:
        # No names: all users.
        return request_struct_class(None, {})


async def list_bindings(connection: KafkaConnection) -> list[Binding]:
    """The ACLs of a cluster, without those of kinds that Septet does not make.

    Raises:
        aiokafka.errors.KafkaError: the cluster refuses, has no ACLs, or does not answer.
    """
    anything: Any = None
    request = DescribeAclsRequest(_ANY, anything, _ANY, anything, anything, _ANY, _ANY)
    response = await _ask(connection, request)
    bindings = (
        _binding(kind, name, pattern, acl) for kind, name, pattern, acls in response.resources for acl in acls
    )
    return [binding for binding in bindings if binding is not None]


async def list_users(connection: KafkaConnection) -> set[str]:
    """Names of the users that have SCRAM credentials.

    Raises:
        aiokafka.errors.KafkaError: the cluster refuses, keeps no users, or does not answer.
    """
    response = await _ask(connection, _DescribeUsers())
    return {user for user, *_ in response.results}


async def _ask(connection: KafkaConnection, request: Request[Any]) -> Any:
    client = AIOKafkaClient(**connection.options())
    try:
        await client.bootstrap()
        node = client.get_random_node()
        if node is None:
            raise NodeNotReadyError("the cluster lists no brokers")
        response = await client.send(node, request)
    finally:
        await client.close()
    if response.error_code:
        raise for_code(response.error_code)(response.error_message)
    return response


def _binding(kind: int, name: str, pattern: int, acl: tuple[str, str, int, int]) -> Binding | None:
    principal, host, operation, permission = acl
    known = _RESOURCES.get(kind), _OPERATIONS.get(operation), _PATTERNS.get(pattern)
    if None in known or permission != _ALLOW or host != "*":
        return None
    resource, verb, form = known
    return Binding(principal.removeprefix("User:"), resource, name, verb, form)  # type: ignore[arg-type]
