"""Adds to each record what its address, its time and its client tell."""

import ipaddress
import json
from datetime import datetime, timezone

import isopod

SITES = [
    (ipaddress.ip_network("192.0.2.0/24"), "office"),
    (ipaddress.ip_network("198.51.100.0/24"), "customers"),
    (ipaddress.ip_network("2001:db8::/32"), "customers"),
]
# The first of these that occurs in the agent's text; an agent that calls itself a bot is one, whatever else
# it says.
CLIENTS = ["bot", "curl", "Firefox", "Edg", "Chrome", "Safari"]


@isopod.function
def enrich(records: str) -> str:
    """The records, each with `site`, `hour` (in UTC) and `client`."""
    # Not `splitlines`: texts may hold other ends of lines than "\n".
    lines = [line for line in records.split("\n") if line]
    return "".join(enriched(json.loads(line)) + "\n" for line in lines)


def enriched(record):
    if "malformed" not in record:
        record["site"] = site(record["address"])
        time = datetime.strptime(record["time"], "%d/%b/%Y:%H:%M:%S %z")
        record["hour"] = time.astimezone(timezone.utc).strftime("%Y-%m-%dT%HZ")
        agent = record["agent"]
        record["client"] = next((name for name in CLIENTS if name in agent), "other")
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def site(address):
    try:
        address = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return next((name for network, name in SITES if address in network), "elsewhere")
