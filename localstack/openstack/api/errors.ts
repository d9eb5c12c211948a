export type ServiceName =
  | "identity"
  | "compute"
  | "placement"
  | "network"
  | "block-storage"
  | "instance-ha"
  | "alarming"
  | "alertmanager";

const KINDS: Readonly<Record<number, string>> = {
  400: "badRequest",
  403: "forbidden",
  404: "itemNotFound",
  405: "badMethod",
  409: "conflictingRequest",
  413: "overLimit",
  429: "overLimit",
  501: "notImplemented",
  503: "serviceUnavailable",
};

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
};

/** Each service's way to wrap a refusal; 401 comes from keystonemiddleware, in Keystone's. */
export const refusalBody = (
  service: ServiceName,
  code: number,
  message: string,
  requestId: string,
): unknown => {
  const title = TITLES[code] ?? "Error";
  if (service === "identity" || (code === 401 && service !== "alarming"))
    return { error: { code, message, title } };
  if (service === "network") return { NeutronError: { type: title, message, detail: "" } };
  if (service === "placement")
    return {
      errors: [
        {
          status: code,
          title,
          detail: message,
          code: "placement.undefined_code",
          request_id: requestId,
        },
      ],
    };
  if (service === "alarming")
    return {
      error_message: {
        faultcode: code < 500 ? "Client" : "Server",
        faultstring: message,
        debuginfo: null,
      },
    };
  return { [KINDS[code] ?? "computeFault"]: { code, message } };
};
