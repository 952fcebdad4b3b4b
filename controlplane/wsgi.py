"""The web server that Ryu apps ask for (`from ryu.app.wsgi import ...`); os-ken dropped its own.

An app names `WSGIApplication` in its `_CONTEXTS`, gets the one instance, and registers classes
derived from `ControllerBase`, whose methods are marked with `route` or `websocket`; the older way
is to fill `mapper` and `registory` (spelt so in Ryu) by hand. For each request a fresh controller
object is made and the method that the URL chose is called with the request. The runner starts
`WSGIServer` when some app wants it; `--wsapi-host` and `--wsapi-port` say where.

Names and signatures are Ryu's, since apps use them; a handler that raises is logged, and answered
500 without our insides. Everything runs on the hub's one thread.
"""

import inspect
import logging
from collections.abc import Callable, Iterable
from types import MethodType
from typing import Any

import webob
import webob.exc
from os_ken import cfg
from os_ken.lib import hub
from routes import Mapper
from routes.util import URLGenerator

from controlplane.jsonrpc import WebSocketRPCClient, WebSocketRPCServer, rpc_public

__all__ = [
    "ControllerBase",
    "Request",
    "Response",
    "WSGIApplication",
    "WSGIServer",
    "WebSocketManager",
    "WebSocketRPCClient",
    "WebSocketRPCServer",
    "route",
    "rpc_public",
    "websocket",
]

DEFAULT_WSGI_HOST = "127.0.0.1"
"""This machine only: the API asks nobody for a password. Ryu's was 0.0.0.0."""
DEFAULT_WSGI_PORT = 8080
HEX_PATTERN = r"0x[0-9a-z]+"
DIGIT_PATTERN = r"[1-9][0-9]*"

LOG = logging.getLogger("controlplane.wsgi")

CONF = cfg.CONF
CONF.register_cli_opts(
    [
        cfg.StrOpt("wsapi-host", default=DEFAULT_WSGI_HOST, help="where the REST API listens"),
        cfg.IntOpt("wsapi-port", default=DEFAULT_WSGI_PORT, help="and on which TCP port"),
    ]
)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


def route(
    name: str,
    path: str,
    methods: list[str] | None = None,
    requirements: dict[str, str] | None = None,
) -> Callable[[Any], Any]:
    """Marks a controller's method as the answer to `path`, in the syntax of Routes."""

    def mark(method: Any) -> Any:
        method.routing_info = {
            "name": name,
            "path": path,
            "methods": methods,
            "requirements": requirements,
        }
        return method

    return mark


def websocket(name: str, path: str) -> Callable[[Any], Any]:
    """Marks a controller's method as the one that talks on websockets at `path`.

    The method gets the socket (`send`, `wait`: None at the end); when it returns, it is closed.
    """

    def mark(method: Any) -> Any:
        def talk(controller: "ControllerBase", request: Any, **_: Any) -> Any:
            assert controller.parent is not None
            sockets = controller.parent.websocketmanager
            handler = MethodType(method, controller)

            def on_socket(socket: Any) -> None:
                sockets.add_connection(socket)
                try:
                    handler(socket)
                finally:
                    sockets.delete_connection(socket)

            return hub.WebSocketWSGI(on_socket)

        return route(name, path)(talk)

    return mark


class Request(webob.Request):
    """webob's request, in UTF-8 unless it says otherwise."""

    DEFAULT_CHARSET = "UTF-8"

    def __init__(
        self, environ: Environ, charset: str = DEFAULT_CHARSET, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(environ, charset, *args, **kwargs)


class Response(webob.Response):
    """webob's response, in UTF-8 unless told otherwise, so that a body may be text."""

    DEFAULT_CHARSET = "UTF-8"

    def __init__(self, charset: str = DEFAULT_CHARSET, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, charset=charset, **kwargs)


class ControllerBase:
    """One per request. `data` is what the app registered for its class."""

    special_vars = ("action", "controller")

    def __init__(self, req: Any, link: Any, data: Any, **config: Any) -> None:
        self.req = req
        self.link = link
        self.data = data
        self.parent: WSGIApplication | None = None
        for name, value in config.items():
            setattr(self, name, value)

    def __call__(self, req: Any) -> Any:
        variables = dict(req.urlvars)
        action = variables.get("action", "index")
        if hasattr(self, "__before__"):
            self.__before__()
        for name in self.special_vars:
            variables.pop(name, None)
        return getattr(self, action)(req, **variables)


class WebSocketManager:
    """The websockets that are open."""

    def __init__(self) -> None:
        self._connections: list[Any] = []

    def add_connection(self, ws: Any) -> None:
        """A socket opened."""
        self._connections.append(ws)

    def delete_connection(self, ws: Any) -> None:
        """A socket closed."""
        self._connections.remove(ws)

    def broadcast(self, msg: Any) -> None:
        """Sends `msg` on each; one that is just breaking does not keep it from the others."""
        for connection in list(self._connections):
            try:
                connection.send(msg)
            except OSError as error:
                LOG.debug("websocket: %s", error)


class WSGIApplication:
    """From a URL to a controller's method."""

    def __init__(self, **config: Any) -> None:
        self.config = config
        self.mapper = Mapper()
        self.registory: dict[str, Any] = {}
        self._websockets = WebSocketManager()

    @property
    def websocketmanager(self) -> WebSocketManager:
        """For apps that broadcast."""
        return self._websockets

    def register(self, controller: type[ControllerBase], data: Any = None) -> None:
        """Makes routes of the marked methods of a controller class."""
        for action, method in inspect.getmembers(controller, callable):
            info = getattr(method, "routing_info", None)
            if info is not None:
                self.mapper.connect(
                    info["name"],
                    info["path"],
                    controller=controller,
                    requirements=info["requirements"] or {},
                    action=action,
                    conditions={"method": info["methods"]} if info["methods"] else {},
                )
        if data:
            self.registory[controller.__name__] = data

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        request = Request(environ)
        try:
            response = self._answer(request)
        except webob.exc.HTTPException as refused:
            response = refused
        except Exception:
            LOG.exception("%s %s failed", request.method, request.path)
            response = webob.exc.HTTPInternalServerError("the app failed; its log tells why")
        answer: Iterable[bytes] = response(environ, start_response)
        return answer

    def _answer(self, request: Request) -> Any:
        match = self.mapper.match(environ=request.environ)
        if not match:
            raise webob.exc.HTTPNotFound()
        request.urlvars = match
        cls = match["controller"]
        link = URLGenerator(self.mapper, request.environ)
        controller = cls(request, link, self.registory.get(cls.__name__), **self.config)
        controller.parent = self
        response = controller(request)
        if response is None:
            return request.response
        if isinstance(response, str | bytes):
            return Response(body=response)
        return response


class WSGIServer(hub.WSGIServer):
    """Serves an application where the options say; called, it serves for ever."""

    def __init__(self, application: WSGIApplication, **config: Any) -> None:
        super().__init__((CONF.wsapi_host, CONF.wsapi_port), application, **config)

    def __call__(self) -> None:
        self.serve_forever()
