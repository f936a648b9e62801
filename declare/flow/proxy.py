"""The configuration that the present fleet would get, proxy host by proxy host."""

from collections.abc import Mapping

from declare.flow.engines import open_readers
from declare.flow.plan import PlanRequest, decide, look
from declare.flow.project import Project
from declare.flow.proxies import present_model, renderer
from declare.model.errors import InputError
from declare.model.inventory import ContainerProxy
from declare.model.observed import Observed
from declare.model.plan import Action
from declare.model.problem import Problem
from declare.proxy.config import NginxConfig


def render_proxy(project: Project) -> Mapping[str, str]:
    """The text for each proxy host, by name; "" is the user's own nginx."""
    if project.inventory.proxy is None:
        raise InputError([Problem("the inventory has no proxy", help='add "proxy: {hosts: [...], image: nginx:1.28}"')])
    with open_readers(project.inventory) as engines:
        observed = look(project, engines.all)
    return {host: config.text for host, config in render_present(project, observed).items()}


def render_present(project: Project, observed: Observed) -> Mapping[str, NginxConfig]:
    """The configurations for an observed fleet; a host whose nginx is not made yet has the port that it would get."""
    settings = project.inventory.proxy
    plan = decide(project, PlanRequest(), observed, {}).plan
    addresses = {host.name: host.address for host in observed.hosts}
    model = present_model(plan, project.desired, addresses)
    if settings is None or model is None or plan.proxy is None:
        return {}
    render = renderer(project.inventory, addresses)
    if not isinstance(settings.form, ContainerProxy):
        return {"": render(model, "", 0)}
    return {
        change.host: render(model, change.host, change.ack_port)
        for change in plan.proxy.hosts
        if change.action is not Action.REMOVE
    }
