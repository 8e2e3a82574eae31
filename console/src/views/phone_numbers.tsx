import type { PhoneNumber } from "../api/types";
import { ofKind } from "../live/concerns";
import { hashOf } from "../router";
import { may } from "../state/session";
import { timeOf } from "../ui/format";
import { Empty, Failed, Loading } from "../ui/states";
import { useFollowedPages } from "../ui/use_followed";
import { entryOf } from "./phone_number_form";

export function PhoneNumbersView() {
  const { items, error, complete, more, reload } = useFollowedPages<PhoneNumber>(
    "/phone-numbers",
    "phoneNumbers",
    ofKind("phone_number"),
  );
  return (
    <>
      <h1>Phone numbers</h1>
      {may("admin") && (
        <p>
          <a class="button" href={hashOf(["phone-numbers", "new"])}>
            Add a number
          </a>
        </p>
      )}
      {error !== null && <Failed error={error} retry={() => void reload()} />}
      {items === null && error === null && <Loading what="phone numbers" />}
      {items?.length === 0 && (
        <Empty>
          <p>
            There are no phone numbers yet. An operator adds them: here with a key that has{" "}
            <code>admin</code>, with <code>POST /phone-numbers</code> (
            <a href="/docs">documentation</a>) or <code>backend numbers add</code>.
          </p>
        </Empty>
      )}
      {items !== null && items.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">Number</th>
              <th scope="col">Agent</th>
              <th scope="col">Trunk</th>
              <th scope="col">Asked before a call</th>
              <th scope="col">Calls</th>
              <th scope="col">Changed</th>
            </tr>
          </thead>
          <tbody>
            {items.map((number) => (
              <tr key={entryOf(number)}>
                <th scope="row">
                  {may("phone-numbers:write") ? (
                    <a href={hashOf(["phone-numbers", entryOf(number)])}>{number.number}</a>
                  ) : (
                    number.number
                  )}
                </th>
                <td>
                  <a href={hashOf(["agents", number.agentId])}>its agent</a>
                </td>
                <td>{number.trunkId ?? "every trunk"}</td>
                <td>{number.preCallWebhook?.url ?? "–"}</td>
                <td>
                  <a href={hashOf(["calls"], { to: number.number })}>its calls</a>
                </td>
                <td>{timeOf(number.updatedAt)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {!complete && (
        <button type="button" onClick={() => void more()}>
          More numbers
        </button>
      )}
    </>
  );
}
