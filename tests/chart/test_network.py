"""Who may speak with whom."""

from tests.chart.rendering import Object, one, pods, render

SERVERS = {"kafka", "redis", "s3"}
NEEDS = {
    "web": {"kafka", "redis", "s3"},
    "worker": {"kafka", "redis", "s3"},
    "results": {"kafka", "redis", "s3"},
    "monitor": {"kafka", "redis"},
    "topics": {"kafka"},
    "test": {"web"},
    "kafka": {"kafka"},
    "redis": set(),
    "s3": set(),
}


def policy(name: str, mode: str | None = None) -> Object:
    """Give the specification of a policy."""
    spec: Object = one(render(mode), "NetworkPolicy", f"pixo-{name}")["spec"]
    return spec


def targets(spec: Object) -> set[str]:
    """Give the components that a policy lets its pods speak to."""
    peers = [peer for rule in spec["egress"] for peer in rule.get("to", [])]
    labels = [peer["podSelector"]["matchLabels"] for peer in peers if "namespaceSelector" not in peer]
    return {one["app.kubernetes.io/component"] for one in labels}


def test_everybody_speaks_to_what_they_need_and_nobody_else() -> None:
    """Each policy lets its pods reach the servers that the role uses, and no others."""
    for name, needed in NEEDS.items():
        assert targets(policy(name)) == needed, name


def test_the_receiver_of_traces_is_within_reach() -> None:
    """Its port is open for the roles that send traces, where one is named; the roles are told."""
    for endpoint, port in (("http://otel.monitoring:4318", 4318), ("https://traces.example.org", 443)):
        objects = render(None, f"traces.endpoint={endpoint}")
        for role in ("web", "worker", "results"):
            assert {"ports": [{"port": port}]} in one(objects, "NetworkPolicy", f"pixo-{role}")["spec"]["egress"]
        assert one(objects, "ConfigMap", "pixo")["data"]["PIXO_TRACES"] == endpoint


def test_servers_hear_those_who_need_them() -> None:
    """A server lets in exactly the components whose policies reach out for it: two halves of one rule."""
    for server in SERVERS:
        (rule,) = policy(server)["ingress"]
        (chosen,) = rule["from"][0]["podSelector"]["matchExpressions"]
        callers = {name for name, needed in NEEDS.items() if server in needed and name != server}
        assert set(chosen["values"]) == callers, server


def test_those_who_test_web_may_reach_it() -> None:
    """Where only some may come to web's door, the pods of `helm test` are among them."""
    doors = [rule for rule in policy("web", "hardened")["ingress"] if rule["ports"] == [{"port": "http"}]]
    peers = [peer["podSelector"]["matchLabels"] for peer in doors[0]["from"] if "podSelector" in peer]

    assert [peer["app.kubernetes.io/component"] for peer in peers] == ["test"]


def test_names_can_be_looked_up() -> None:
    """Whoever speaks may ask the DNS of the cluster, by UDP and TCP, and only that DNS."""
    for name, needed in NEEDS.items():
        if not needed:
            continue
        (dns,) = [rule for rule in policy(name)["egress"] if rule["ports"][0].get("port") == 53]
        (peer,) = dns["to"]
        assert {one["protocol"] for one in dns["ports"]} == {"UDP", "TCP"}, name
        assert set(peer) == {"namespaceSelector", "podSelector"}, name


def test_no_labels_for_dns_do_not_open_more() -> None:
    """Without labels of the DNS pods it is that namespace, not all pods of all namespaces."""
    objects = render(None, "networkPolicy.dns.podLabels=null")
    egress = one(objects, "NetworkPolicy", "pixo-web")["spec"]["egress"]
    (dns,) = [rule for rule in egress if rule["ports"][0].get("port") == 53]

    assert dns["to"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {},
        }
    ]


def test_workers_take_no_calls_but_for_metrics() -> None:
    """Nobody can open a connection to a role that serves nobody, its metrics aside."""
    for role in ("worker", "results", "monitor"):
        assert policy(role)["ingress"] == [{"ports": [{"port": "metrics"}]}]


def test_doors_can_be_closed() -> None:
    """Web and metrics take calls from whom the values name; without names, from everybody."""
    spec = policy("web", "hardened")
    assert {tuple(rule) for rule in spec["ingress"]} == {("ports", "from")}
    everything = policy("default-deny", "hardened")
    assert everything["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in everything


def test_external_servers_are_reached_by_their_ports() -> None:
    """Where Kafka, Redis and the store are elsewhere, exactly their ports are open."""
    egress = policy("worker", "external")["egress"]
    ports = {port["port"] for rule in egress for port in rule["ports"]}

    assert ports == {53, 9094, 6380, 9000}


def test_every_pod_has_a_policy() -> None:
    """No pod of the release is without one."""
    objects = render(None)
    chosen = [each["spec"]["podSelector"]["matchLabels"] for each in objects if each["kind"] == "NetworkPolicy"]
    labels = [
        each["metadata"]["labels"] if each["kind"] == "Pod" else each["spec"]["template"]["metadata"]["labels"]
        for each in objects
        if each["kind"] in {"Pod", "Deployment", "StatefulSet", "Job"}
    ]

    assert len(labels) == len(list(pods(objects)))
    for have in labels:
        assert [want for want in chosen if want.items() <= have.items()], have
