"""Ingress, HTTPRoute and Service: one value says how much comes in and how long it may take."""

from tests.chart.rendering import one, render

INGRESS = "web.ingress.enabled=true"


def test_upload_size_and_timeouts_from_one_value() -> None:
    """The controllers' limits follow config.maxUploadBytes, a little above, and web.requestTimeoutSeconds."""
    sets = ("config.maxUploadBytes=209715200", "web.requestTimeoutSeconds=900")
    objects = render(None, INGRESS, *sets)
    annotations = one(objects, "Ingress", "pixo-web")["metadata"]["annotations"]

    assert one(objects, "ConfigMap", "pixo")["data"]["PIXO_MAX_UPLOAD_BYTES"] == "209715200"
    assert annotations["nginx.ingress.kubernetes.io/proxy-body-size"] == "201m"
    assert annotations["nginx.org/client-max-body-size"] == "201m"
    assert annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"] == "900"
    assert annotations["nginx.ingress.kubernetes.io/proxy-request-buffering"] == "off"


def test_own_annotations_go_first() -> None:
    """What the user annotates stands, whatever the chart would say; the chart's can be left out."""
    key = "nginx.ingress.kubernetes.io/proxy-body-size"
    mine = one(render(None, INGRESS, f'web.ingress.annotations={{"{key}": "5g"}}'), "Ingress", "pixo-web")
    bare = one(render(None, INGRESS, "web.ingress.limitAnnotations=false"), "Ingress", "pixo-web")

    assert mine["metadata"]["annotations"][key] == "5g"
    assert "annotations" not in bare["metadata"]


def test_hosts() -> None:
    """Each host gets a rule; without hosts there is one for all."""
    named = one(render(None, INGRESS, 'web.ingress.hosts=["a.test","b.test"]'), "Ingress", "pixo-web")
    open_to_all = one(render(None, INGRESS), "Ingress", "pixo-web")

    assert [rule["host"] for rule in named["spec"]["rules"]] == ["a.test", "b.test"]
    assert ["host" in rule for rule in open_to_all["spec"]["rules"]] == [False]


def test_route() -> None:
    """The route leads to web with the same time; the Gateway of NGINX is told of the size."""
    objects = render("hardened")
    (rule,) = one(objects, "HTTPRoute", "pixo-web")["spec"]["rules"]

    assert rule["timeouts"] == {"request": "3600s", "backendRequest": "3600s"}
    assert rule["backendRefs"] == [{"name": "pixo-web", "port": 80}]
    assert one(objects, "ClientSettingsPolicy", "pixo-web")["spec"]["body"] == {"maxSize": "1025m", "timeout": "3600s"}


def test_node_port() -> None:
    """A NodePort service has the port that was asked for."""
    assert one(render("kind"), "Service", "pixo-web")["spec"]["ports"][0]["nodePort"] == 30080
