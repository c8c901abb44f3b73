import com.genesyslab.www.interaction.FaultMessage;
import com.genesyslab.www.interaction.IWebServiceCapturePoint;
import com.genesyslab.www.interaction.KVPair;
import com.genesyslab.www.interaction.KVPairValue;
import com.genesyslab.www.interaction.WebServiceCapturePointLocator;
import com.genesyslab.www.interaction.holders.KVListHolder;
import java.net.URL;

/** Calls every operation as programs in the field do: with empty texts and nil items for nothing. */
public class AxisCaller {
    static KVPair pair(String key, KVPairValue value) {
        KVPair made = new KVPair();
        made.setKey(key);
        made.setValue(value);
        return made;
    }

    static KVPairValue text(String value) {
        KVPairValue made = new KVPairValue();
        made.setValueString(value);
        return made;
    }

    static KVPairValue number(int value) {
        KVPairValue made = new KVPairValue();
        made.setValueInt(value);
        return made;
    }

    static String shown(KVPairValue value) {
        if (value.getValueList() != null) {
            StringBuilder all = new StringBuilder("{");
            for (KVPair each : value.getValueList()) {
                all.append(each.getKey()).append("=").append(shown(each.getValue()));
            }
            return all.append("}").toString();
        }
        return value.getValueString() != null ? value.getValueString() : "#" + value.getValueInt();
    }

    static void show(String what, KVPair[] pairs) {
        for (KVPair each : pairs) {
            System.out.println(what + " " + each.getKey() + "=" + shown(each.getValue()));
        }
    }

    public static void main(String[] arguments) throws Exception {
        IWebServiceCapturePoint service =
            new WebServiceCapturePointLocator()
                .getiWebServiceCapturePointHttpBinding(new URL(arguments[0]));
        KVPair[] nothing = new KVPair[1];
        KVListHolder extension = new KVListHolder();
        KVPairValue nested = new KVPairValue();
        nested.setValueList(new KVPair[] {pair("inner", number(7))});
        KVPair[] userData = {
            pair("postId", text("h\u00e9llo <&>")), pair("count", number(-3)), pair("more", nested)
        };
        service.submit("", "New Message", "cisco voice", "", "", Integer.valueOf(101),
            "Inbound Queue", "", "", "", "", "", "", Boolean.FALSE, "", nothing, nothing, userData,
            Boolean.FALSE, extension);
        show("submit", extension.value);
        String id = extension.value[0].getValue().getValueString();
        service.hold(id, "", "Lunch", "", new KVListHolder());
        service.update(id, "", new KVPair[] {pair("Priority", number(5))},
            new KVPair[] {pair("count", new KVPairValue())}, "Other Queue", new KVListHolder());
        service.resume("", "New Message", "", "", new KVListHolder());
        show("info", service.getInfo(id, null, new KVListHolder()));
        service.stop(id, null, null, null, new KVListHolder());
        for (String unknown : new String[] {id, ""}) {
            try {
                service.stop(unknown, null, null, null, new KVListHolder());
                System.out.println("no fault");
            } catch (FaultMessage fault) {
                System.out.println("fault " + fault.getErrorCode() + " "
                    + fault.getErrorDescription() + " | " + fault.getFaultString());
            }
        }
        javax.xml.rpc.holders.StringHolder time = new javax.xml.rpc.holders.StringHolder();
        KVListHolder told = new KVListHolder();
        service.ping(new KVListHolder(), time, new KVListHolder(), told);
        show("ping", told.value);
    }
}
